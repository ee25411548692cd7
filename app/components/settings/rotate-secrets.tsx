import { Form, useNavigation } from '@remix-run/react'
import { KeyRound } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { CopyLine } from '../ui/copy.tsx'
import { Answer, type SettingsAnswer } from './answer.tsx'

export function RotateSecrets({ mayRotate, answer }: { mayRotate: boolean; answer: SettingsAnswer | undefined }) {
	const rotating = useNavigation().formData?.get('intent') === 'rotate'
	return (
		<section aria-labelledby="secrets" className="mt-8">
			<h2 id="secrets" className="text-lg font-semibold">
				Signing keys
			</h2>
			<p className="mt-1 mb-3 max-w-[70ch] text-muted">
				Makes a new issuing key under the root key and a new cookie secret. What the old ones signed stays good until
				its own end: nobody is logged out, no node has to join again, no credential is lost.
			</p>
			<Answer answer={answer} />
			<Form method="post" preventScrollReset className="mt-3">
				<Button name="intent" value="rotate" disabled={!mayRotate || rotating}>
					<KeyRound size={14} aria-hidden />
					{rotating ? 'Rotating…' : 'Rotate keys'}
				</Button>
				{!mayRotate && <p className="mt-1 text-sm text-muted">The owner of this lattice rotates its keys.</p>}
			</Form>
			<div className="mt-4 max-w-xl">
				<CopyLine text="./lattice rotate-secrets" what="command" />
			</div>
		</section>
	)
}
