import { z } from 'zod'
import {
	Constraints,
	DEPLOYMENT_FIELDS,
	DOMAINS_FIELD,
	Domains,
	Expose,
	PinnedNode,
	requirementsOf,
	resources,
} from './deployment-options.ts'
import type { Template } from './template.ts'

const PORT = 80

export const NginxConfig = z.strictObject({
	version: z
		.string()
		.regex(/^1\.[0-9]{1,2}(\.[0-9]{1,2})?(-[a-z0-9.-]{1,32})?$/, 'is not an nginx version; write 1.29 or 1.28-alpine')
		.default('1.28'),
	/** null: the files of its own volume are served */
	upstream: z
		.string()
		.regex(
			/^https?:\/\/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?$/,
			'is not a server to forward to; write it like http://api:8080, without a path',
		)
		.nullable()
		.default(null),
	/** the largest request body */
	maxBodyMiB: z.number().int('is in whole MiB').min(1).max(102_400, 'is over 100 GiB').default(64),
	resources: resources({ minMemoryMiB: 16, memoryMiB: 64, cpus: 0.25 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
	domains: Domains,
})
export type NginxConfig = z.infer<typeof NginxConfig>

const image = (config: NginxConfig) => `nginx:${config.version}`

/** The site travels as a variable and is written by the container itself: nothing of the host is mounted. */
const START = 'printf "%s" "$NGINX_SITE" > /etc/nginx/conf.d/default.conf && exec nginx -g "daemon off;"'

function siteOf({ upstream, maxBodyMiB }: NginxConfig): string {
	const files = ['root /usr/share/nginx/html;', 'try_files $uri $uri/ $uri.html =404;']
	// Asked by name at each request, through the engine's own resolver: a server that is away or moves stops nothing.
	const forward = [
		'resolver 127.0.0.11 valid=5s;',
		`set $upstream ${upstream};`,
		'proxy_pass $upstream;',
		'proxy_http_version 1.1;',
		'proxy_set_header Host $host;',
		'proxy_set_header Upgrade $http_upgrade;',
		'proxy_set_header Connection $connection_upgrade;',
		'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
		'proxy_set_header X-Forwarded-Proto $scheme;',
	]
	return [
		'map $http_upgrade $connection_upgrade { default upgrade; "" ""; }',
		'server {',
		`  listen ${PORT};`,
		'  server_tokens off;',
		`  client_max_body_size ${maxBodyMiB}m;`,
		'  location / {',
		...(upstream === null ? files : forward).map((line) => `    ${line}`),
		'  }',
		'}',
		'',
	].join('\n')
}

/** The official image: https://hub.docker.com/_/nginx */
export const nginx: Template<NginxConfig> = {
	type: 'nginx',
	title: 'nginx',
	description: 'A web server for the files of its own volume, or in front of another service.',
	icon: 'globe',
	schema: NginxConfig,
	fields: [
		{
			path: 'upstream',
			label: 'Forward to',
			kind: 'text',
			placeholder: 'http://api:8080',
			help: 'A workload of yours on the same node by its name, or any server. Empty: it serves the files in /usr/share/nginx/html, which is its volume.',
		},
		{
			path: 'version',
			label: 'Version',
			kind: 'select',
			options: ['1.28', '1.29'].map((version) => ({ value: version, label: `nginx ${version}` })),
			advanced: true,
		},
		{ path: 'maxBodyMiB', label: 'Largest upload', kind: 'number', unit: 'MiB', advanced: true },
		...DEPLOYMENT_FIELDS,
		DOMAINS_FIELD,
	],
	ports: () => [{ container: PORT, protocol: 'http', purpose: 'http' }],
	expose: (config) => config.expose,
	domains: (config) => config.domains,
	requirements: (config) =>
		requirementsOf(config, { image: image(config), replicas: 1, volumes: config.upstream === null }),
	makeSecrets: () => ({}),
	plan: (config) => ({
		image: image(config),
		command: ['sh', '-c', START],
		env: { NGINX_SITE: siteOf(config) },
		// an empty volume takes the image's own welcome page, so that it answers at once
		volumes: config.upstream === null ? [{ name: 'site', path: '/usr/share/nginx/html' }] : [],
		healthcheck: null,
		// a server behind that is away is its own failure and not this one's: a connection is all that is asked
		probe: { kind: 'tcp', port: PORT },
		dropCapabilities: ['FOWNER', 'FSETID'],
		shmBytes: null,
		pids: 256,
		stopTimeoutS: 10,
	}),
	credentials: () => null,
	secretNames: [],
	snippets: [],
}
