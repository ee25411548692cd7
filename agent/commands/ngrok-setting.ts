import type { Subject } from '../identity/index.ts'
import { type CommandOf, CommandResult, LatticeError } from '../protocol/index.ts'
import type { NgrokToken } from '../store/ngrok-token.ts'

export interface NgrokSettingModules {
	token: Pick<NgrokToken, 'put'>
	onChange: () => void
}

/** Takes the lattice's auth token for ngrok, by authority of who may set it. */
export class NgrokSetting {
	readonly #modules: NgrokSettingModules

	constructor(modules: NgrokSettingModules) {
		this.#modules = modules
	}

	adopt({ token, version }: CommandOf<'ngrok'>, subject: Subject): CommandResult {
		if (subject.role === 'member')
			throw new LatticeError(
				'FORBIDDEN',
				'Only the owner and admins of this lattice set its ngrok token. Ask one of them.',
			)
		if (this.#modules.token.put({ token, version })) this.#modules.onChange()
		return CommandResult.parse({})
	}
}
