import type { z } from 'zod'
import type { Credentials, Endpoint, Requirements } from '../protocol/index.ts'
import type { ContainerPlan, Probe } from '../runtime/runtime.ts'

/** A field of the deploy form: where it is in the config, and how it looks. Fields without `advanced` are the few that matter. */
export interface Field {
	path: string
	label: string
	kind: 'text' | 'number' | 'select' | 'env' | 'ports' | 'volumes' | 'command' | 'constraints' | 'list'
	help?: string
	placeholder?: string
	options?: { value: string; label: string }[]
	/** a `select` of any number of its options: the value is an array */
	multiple?: boolean
	unit?: string
	advanced?: boolean
}

/** A ready-to-paste use of the credentials. `text` may hold `{name}` of a credential; filled on the page only. */
export interface Snippet {
	label: string
	language: string
	text: string
}

export interface DeclaredPort {
	container: number
	protocol: 'http' | 'tcp'
	/** what the endpoint speaks, for the page and the connection string */
	purpose: string
}

/** The template's part of a ContainerPlan; the agent adds names, labels, network, host ports and limits of its own. */
export type TemplatePlan = Pick<
	ContainerPlan,
	'image' | 'command' | 'env' | 'healthcheck' | 'dropCapabilities' | 'shmBytes' | 'stopTimeoutS' | 'pids'
> & {
	/** volume names are local ("data"); the agent makes the real one */
	volumes: { name: string; path: string }[]
	/** asked by the agent when there is no healthcheck */
	probe: Probe | null
}

/**
 * A service of the catalogue: data and a schema in one file. Everything is pure, so that the wizard, the console, the
 * entry node and the host read the same file; the executing host alone calls `makeSecrets`.
 */
export interface Template<Config = unknown> {
	type: string
	title: string
	/** one sentence for the card */
	description: string
	/** lucide icon name */
	icon: string
	schema: z.ZodType<Config>
	fields: Field[]
	ports(config: Config): DeclaredPort[]
	expose(config: Config): ('gateway' | 'ngrok' | 'lan')[]
	/** host names that its first HTTP port answers to; absent for a template without one */
	domains?(config: Config): string[]
	requirements(config: Config): Requirements
	/** `random(n)` gives n URL-safe characters of full entropy */
	makeSecrets(config: Config, random: (characters: number) => string): Record<string, string>
	plan(config: Config, secrets: Record<string, string>): TemplatePlan
	/** null for templates that have none; `endpoints` are best first */
	credentials(config: Config, secrets: Record<string, string>, endpoints: Endpoint[]): Credentials | null
	/** which credential names are secret and start hidden */
	secretNames: string[]
	snippets: Snippet[]
}
