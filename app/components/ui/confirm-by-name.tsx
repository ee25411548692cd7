import { Button, ButtonLink } from './button.tsx'
import { Input } from './field.tsx'

interface ConfirmByNameProps {
	name: string
	/** what was typed, and what is wrong with it, when it came back */
	typed?: string | undefined
	mistyped?: string | undefined
}

/** For what has no way back: a person types the name of what goes. */
export function ConfirmByName({ name, typed, mistyped }: ConfirmByNameProps) {
	return (
		<Input
			id="confirm-name"
			name="name"
			label={`Type ${name} to confirm`}
			autoComplete="off"
			autoCapitalize="off"
			spellCheck={false}
			required
			defaultValue={typed}
			error={mistyped}
		/>
	)
}

/** Its two ways out: `verb` is what the button does, `doing` what it says meanwhile. */
export function ConfirmButtons(props: { verb: string; doing: string; name: string; back: string; sending: boolean }) {
	const { verb, doing, name, back, sending } = props
	return (
		<div className="flex flex-wrap justify-end gap-2">
			<ButtonLink to={back} preventScrollReset>
				Keep it
			</ButtonLink>
			<Button variant="primary" disabled={sending}>
				{sending ? `${doing}…` : `${verb} ${name}`}
			</Button>
		</div>
	)
}
