import { LatticeError } from '../protocol/index.ts'
import { EngineRefusal, refused } from './engine-errors.ts'

const PORT = /port is already allocated|address already in use|ports are not available/i
const ADDRESS = /cannot assign requested address/i
const BINDING = /(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})/
const NO_NETWORK = /network (\S+) not found/i
const NO_INIT = /docker-init/
const RLIMIT = /setting rlimit/i
const UNSUITABLE =
	/executable file not found|no such file or directory|permission denied|exec format error|is a directory|not a directory|unable to find user|unable to find group|oci runtime/i

/** What the engine's refusal to start a container means. It tells kinds apart by words only. */
export function startFailure(error: unknown): unknown {
	if (!(error instanceof EngineRefusal) || error.status === 404) {
		const network = error instanceof EngineRefusal && NO_NETWORK.exec(error.reason)?.[1]
		return network ? networkMissing(network, error) : refused(error, 'start the container')
	}
	const { reason } = error
	const options = { cause: error }
	const network = NO_NETWORK.exec(reason)?.[1]
	if (network !== undefined) return networkMissing(network, error)
	if (PORT.test(reason) || ADDRESS.test(reason)) {
		const [, address = null, port = null] = BINDING.exec(reason) ?? []
		const where = address === null ? 'A port of it' : `Port ${port} of ${address}`
		const why = ADDRESS.test(reason) ? 'is at an address that this node does not have' : 'is taken on this node'
		return new LatticeError(
			'PORT_TAKEN',
			`${where} ${why}; free it, or deploy again to get another port.`,
			{ address, port: port === null ? null : Number(port), reason },
			options,
		)
	}
	if (NO_INIT.test(reason)) {
		return new LatticeError(
			'ENGINE_UNAVAILABLE',
			"The engine's docker-init is missing; install it (Debian and Ubuntu: apt-get install tini), then deploy again.",
			{ reason },
			options,
		)
	}
	if (RLIMIT.test(reason)) {
		return new LatticeError(
			'NODE_REFUSED',
			"The engine may not raise a container's open-file limit; raise its own (ulimit -Hn 65536 where dockerd is started).",
			{ reason },
			options,
		)
	}
	const general = refused(error, 'start the container')
	if (general instanceof LatticeError && general.code === 'DISK_FULL') return general
	if (UNSUITABLE.test(reason)) {
		return new LatticeError(
			'IMAGE_UNSUITABLE',
			`The image cannot be started as ordered; check command, user and architecture. The engine says: ${reason}.`,
			{ reason },
			options,
		)
	}
	return general
}

/** The tenant's network went away between create and start; who ensures it and tries again is well. */
function networkMissing(network: string, cause: EngineRefusal): LatticeError {
	return new LatticeError('NOT_FOUND', `The network ${network} of the container is gone.`, { network }, { cause })
}
