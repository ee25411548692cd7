import { z } from 'zod'
import { secondsLeft } from '../client/session.ts'
import { readConfig } from '../config.ts'
import { duration } from '../format.ts'
import type { Home } from '../home.ts'
import { readJsonFile } from '../private-file.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const DAY_S = 86_400
const Enrolment = z.looseObject({ certificate: z.string() })

/** The node's own, which renews itself while a console is about, and this device's, which a login renews. */
export function checkCertificates(home: Home): Finding[] {
	const enrolment = readJsonFile(home.file('agent', 'enrolment.json'), Enrolment)
	const { login, device } = readConfig(home)
	const findings: Finding[] = []
	if (enrolment) {
		const remedy = 'It renews itself while the console is reachable: start the console, or check the path to it.'
		findings.push(judgeCertificate('node certificate', secondsLeft(enrolment.certificate), 30, remedy))
	}
	if (device) {
		const remedy = 'Log in again: "lattice login --email EMAIL".'
		findings.push(judgeCertificate('device certificate', secondsLeft(device.certificate), 7, remedy))
	} else if (login) {
		findings.push(
			warning(
				'device certificate',
				'none: without the console this machine has no way in',
				'Log in again: "lattice login".',
			),
		)
	}
	return findings
}

export function judgeCertificate(check: string, left: number, earlyDays: number, remedy: string): Finding {
	if (left <= 0) return failed(check, 'has expired', remedy)
	const detail = `good for ${duration(left * 1000)}`
	return left < earlyDays * DAY_S ? warning(check, detail, remedy) : ok(check, detail)
}
