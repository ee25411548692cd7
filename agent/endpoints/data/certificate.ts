import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Fingerprint } from '../../protocol/index.ts'

/** What a node shows on the data plane. */
export interface DataCertificate {
	/** PEM */
	key: string
	/** PEM */
	certificate: string
	fingerprint: Fingerprint
	/** for connections out: made once, as it parses key and certificate */
	context: SecureContext
}

export const TLS_VERSION = {
	minVersion: 'TLSv1.3',
	// The first is the cheapest where processors have AES.
	ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
} as const

const ECDSA_WITH_SHA256 = tlv(0x06, Buffer.from('2a8648ce3d040302', 'hex'))
const COMMON_NAME = tlv(0x06, Buffer.from('550403', 'hex'))
/** RFC 5280, 4.1.2.5: the certificate has no end. It lives as long as its process. */
const NO_END = '99991231235959Z'

/**
 * A self-signed certificate, made anew at each start. Nobody reads what it says: its SHA-256 is exchanged over libp2p,
 * where both peers are proven, and each side pins the other's. So it holds no more than X.509 demands (RFC 5280, 4.1),
 * and the encoder is these forty lines: the library for it takes 20 MB of every agent (docs/decisions).
 */
export function makeDataCertificate(): DataCertificate {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
	const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
	const algorithm = sequence(ECDSA_WITH_SHA256)
	const name = sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from('lattice')))))
	const begin = '20000101000000Z'
	const content = sequence(
		tlv(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
		algorithm,
		name,
		sequence(tlv(0x18, Buffer.from(begin)), tlv(0x18, Buffer.from(NO_END))),
		name,
		publicKey.export({ type: 'spki', format: 'der' }),
	)
	const signature = sign('sha256', content, createPrivateKey(key))
	const der = sequence(content, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0x00]), signature])))
	const certificate = pemOf(der)
	const context = createSecureContext({ key, cert: certificate, ...TLS_VERSION })
	return { key, certificate, fingerprint: fingerprintOf(der), context }
}

export function fingerprintOf(der: Buffer): Fingerprint {
	return createHash('sha256').update(der).digest('hex')
}

function pemOf(der: Buffer): string {
	const lines = der.toString('base64').match(/.{1,64}/g) ?? []
	return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function sequence(...parts: Buffer[]): Buffer {
	return tlv(0x30, Buffer.concat(parts))
}

/** DER: tag, length in its shortest form, value. */
function tlv(tag: number, value: Buffer): Buffer {
	const { length } = value
	if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value])
	if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), value])
	return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), value])
}
