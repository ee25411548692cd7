import { createContext, useContext } from 'react'

/** IANA name of the zone that times are written in; empty: the browser's own. */
export const ZoneContext = createContext('')

export function useZone(): string {
	return useContext(ZoneContext)
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** `14:02:03.123` in that zone; empty for what is no instant. */
export function clockText(at: string, zone: string): string {
	const date = new Date(at)
	if (Number.isNaN(date.getTime())) return ''
	let format = formats.get(zone)
	if (!format) {
		format = new Intl.DateTimeFormat('en-GB', {
			...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' },
			...(zone !== '' && { timeZone: zone }),
		} as Intl.DateTimeFormatOptions)
		formats.set(zone, format)
	}
	return format.format(date)
}
