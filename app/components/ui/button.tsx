import { Link, type LinkProps } from '@remix-run/react'
import type { ButtonHTMLAttributes } from 'react'

type Variant = 'primary' | 'secondary' | 'quiet'

const SHAPE =
	'inline-flex items-center justify-center gap-2 rounded border px-3 font-medium whitespace-nowrap min-h-[34px] max-md:min-h-11 max-md:px-4 disabled:opacity-50 disabled:cursor-not-allowed aria-disabled:opacity-50'
const VARIANT: Record<Variant, string> = {
	primary: 'bg-text text-bg border-text hover:opacity-85',
	secondary: 'bg-surface border-control hover:bg-sunken',
	quiet: 'border-transparent hover:bg-sunken',
}

export function buttonClass(variant: Variant = 'secondary', extra = ''): string {
	return `fade ${SHAPE} ${VARIANT[variant]} ${extra}`
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
	variant?: Variant
}

export function Button({ variant, className, type = 'submit', ...rest }: ButtonProps) {
	return <button type={type} className={buttonClass(variant, className)} {...rest} />
}

export function ButtonLink({ variant, className, ...rest }: LinkProps & { variant?: Variant; className?: string }) {
	return <Link className={buttonClass(variant, className)} {...rest} />
}
