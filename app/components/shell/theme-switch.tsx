import { Form, useLocation } from '@remix-run/react'
import { Monitor, Moon, Sun } from 'lucide-react'

const CHOICES = [
	{ theme: 'system', label: 'System theme', Icon: Monitor },
	{ theme: 'light', label: 'Light theme', Icon: Sun },
	{ theme: 'dark', label: 'Dark theme', Icon: Moon },
] as const

export function ThemeSwitch({ theme }: { theme: string }) {
	const { pathname, search } = useLocation()
	return (
		<Form method="post" action="/theme" preventScrollReset className="inline-flex rounded border border-line">
			<input type="hidden" name="to" value={pathname + search} />
			{CHOICES.map(({ theme: value, label, Icon }) => (
				<button
					type="submit"
					key={value}
					name="theme"
					value={value}
					aria-pressed={theme === value}
					title={label}
					className="inline-flex size-8 items-center justify-center rounded text-muted hover:text-text aria-pressed:bg-line aria-pressed:text-text max-md:size-11"
				>
					<Icon size={14} aria-hidden />
					<span className="sr-only">{label}</span>
				</button>
			))}
		</Form>
	)
}
