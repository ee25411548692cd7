import { Form, Link, NavLink } from '@remix-run/react'
import { LayoutList, LogOut, Plus, Server, Settings as SettingsIcon } from 'lucide-react'
import { type ReactNode, useCallback, useState } from 'react'
import type { Service } from '../palette/entries.ts'
import { Palette } from '../palette/palette.tsx'
import { buttonClass } from '../ui/button.tsx'
import { KeyboardHelp } from './keyboard-help.tsx'
import { LiveMark } from './live-mark.tsx'
import { ThemeSwitch } from './theme-switch.tsx'
import { Toasts } from './toasts.tsx'
import { Wordmark } from './wordmark.tsx'

interface ShellProps {
	user: { email: string; role: string }
	theme: string
	/** of the catalogue, for the palette */
	services: readonly Service[]
	children: ReactNode
}

const PAGES = [
	{ to: '/', label: 'Overview', Icon: LayoutList },
	{ to: '/nodes', label: 'Nodes', Icon: Server },
	{ to: '/settings', label: 'Settings', Icon: SettingsIcon },
] as const

/** A rail beside the page on wide screens; on a phone a bar above and the ways within the thumb's reach. */
export function Shell({ user, theme, services, children }: ShellProps) {
	const [help, setHelp] = useState(false)
	const openHelp = useCallback(() => setHelp(true), [])
	return (
		<div className="md:grid md:grid-cols-[208px_minmax(0,1fr)]">
			<a
				href="#main"
				className="sr-only focus:not-sr-only focus:fixed focus:z-50 focus:bg-text focus:p-2 focus:text-bg"
			>
				Skip to content
			</a>
			<header className="flex items-center justify-between border-b border-line px-4 py-1 md:sticky md:top-0 md:h-dvh md:flex-col md:items-stretch md:justify-start md:border-r md:border-b-0 md:px-3 md:py-4">
				<Link to="/" className="px-2 max-md:flex max-md:min-h-11 max-md:items-center max-md:px-0">
					<Wordmark />
				</Link>
				<div className="max-md:ml-auto md:mt-6">
					<Palette services={services} onHelp={openHelp} />
				</div>
				<WideNavigation />
				<div className="hidden px-2 md:mt-auto md:block">
					<LiveMark />
				</div>
				<Account user={user} theme={theme} />
			</header>
			<main id="main" className="mx-auto w-full max-w-[1120px] min-w-0 px-4 py-6 max-md:pb-28 md:px-8 md:py-8">
				{children}
			</main>
			<ThumbNavigation />
			<Toasts />
			<KeyboardHelp open={help} onOpen={openHelp} onClose={() => setHelp(false)} />
		</div>
	)
}

function WideNavigation() {
	return (
		<nav aria-label="Main" className="hidden md:block">
			<Link to="/deploy" prefetch="intent" className={buttonClass('primary', 'mb-4 w-full')}>
				<Plus size={16} aria-hidden />
				Deploy
			</Link>
			<ul className="grid gap-0.5">
				{PAGES.map(({ to, label, Icon }) => (
					<li key={to}>
						<NavLink
							to={to}
							end={to === '/'}
							prefetch="intent"
							className="flex h-9 items-center gap-3 rounded px-2 text-muted hover:bg-sunken hover:text-text aria-[current=page]:bg-sunken aria-[current=page]:font-medium aria-[current=page]:text-text"
						>
							<Icon size={16} aria-hidden />
							{label}
						</NavLink>
					</li>
				))}
			</ul>
		</nav>
	)
}

function ThumbNavigation() {
	const item =
		'flex h-14 flex-col items-center justify-center gap-0.5 text-xs text-muted aria-[current=page]:font-medium aria-[current=page]:text-text'
	return (
		<nav
			aria-label="Main"
			className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-4 border-t border-line bg-bg pb-[env(safe-area-inset-bottom)] md:hidden"
		>
			{PAGES.slice(0, 1).map(({ to, label, Icon }) => (
				<NavLink key={to} to={to} end className={item}>
					<Icon size={20} aria-hidden />
					{label}
				</NavLink>
			))}
			<NavLink to="/deploy" className={item}>
				<Plus size={20} aria-hidden />
				Deploy
			</NavLink>
			{PAGES.slice(1).map(({ to, label, Icon }) => (
				<NavLink key={to} to={to} className={item}>
					<Icon size={20} aria-hidden />
					{label}
				</NavLink>
			))}
		</nav>
	)
}

function Account({ user, theme }: Pick<ShellProps, 'user' | 'theme'>) {
	return (
		<>
			<div className="hidden border-line md:mt-3 md:grid md:gap-3 md:border-t md:px-2 md:pt-3">
				<Identity user={user} />
				<div className="flex items-center justify-between">
					<ThemeSwitch theme={theme} />
					<LogOutButton />
				</div>
			</div>
			<details className="relative md:hidden">
				<summary className="flex min-h-11 items-center gap-3 text-sm">
					<LiveMark />
					<span className="link">Account</span>
				</summary>
				<div className="card absolute right-0 z-40 mt-1 grid w-64 gap-3 p-4">
					<Identity user={user} />
					<div className="flex items-center justify-between">
						<ThemeSwitch theme={theme} />
						<LogOutButton />
					</div>
				</div>
			</details>
		</>
	)
}

function Identity({ user }: Pick<ShellProps, 'user'>) {
	return (
		<p className="min-w-0 text-sm">
			<span className="block truncate font-medium" title={user.email}>
				{user.email}
			</span>
			<span className="text-muted">{user.role}</span>
		</p>
	)
}

function LogOutButton() {
	return (
		<Form method="post" action="/logout">
			<button
				type="submit"
				title="Log out"
				className="inline-flex size-8 items-center justify-center rounded text-muted hover:bg-sunken hover:text-text max-md:size-11"
			>
				<LogOut size={14} aria-hidden />
				<span className="sr-only">Log out</span>
			</button>
		</Form>
	)
}
