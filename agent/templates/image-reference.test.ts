import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { familiarImage, Image, parseImageReference } from './image-reference.ts'

const digest = `sha256:${'a1'.repeat(32)}`

describe('image references', () => {
	it.each([
		['nginx', 'docker.io', 'library/nginx', null],
		['nginx:1.27', 'docker.io', 'library/nginx', '1.27'],
		['grafana/loki:3', 'docker.io', 'grafana/loki', '3'],
		['index.docker.io/library/nginx', 'docker.io', 'library/nginx', null],
		['quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z', 'quay.io', 'minio/minio', 'RELEASE.2025-09-07T16-13-09Z'],
		['localhost/app', 'localhost', 'app', null],
		['127.0.0.1:5000/team/app__x:v1', '127.0.0.1:5000', 'team/app__x', 'v1'],
		['[::1]:5000/app', '[::1]:5000', 'app', null],
	])('reads %s', (text, domain, path, tag) => {
		expect(parseImageReference(text)).toMatchObject({ domain, path, tag })
	})

	it.each([
		'',
		' nginx',
		'nginx ',
		'NGINX',
		'nginx:',
		'nginx:.tag',
		'nginx:a/b',
		'http://nginx',
		'nginx@sha256:short',
		'-nginx',
		'a//b',
		'a/../b',
		'nginx; rm -rf /',
		`${'a'.repeat(256)}`,
		'f'.repeat(64),
		'a'.repeat(513),
		'registry..io/app',
		'nginx\n',
	])('refuses %j', (text) => {
		expect(parseImageReference(text)).toBeNull()
		expect(Image.safeParse(text).success).toBe(false)
	})

	it.each([
		['nginx', 'nginx:latest'],
		['docker.io/library/nginx:1', 'nginx:1'],
		['docker.io/grafana/loki', 'grafana/loki:latest'],
		['ghcr.io/a/b', 'ghcr.io/a/b:latest'],
		[`nginx@${digest}`, `nginx@${digest}`],
		[`nginx:1@${digest}`, `nginx:1@${digest}`],
	])('spells %s as the engine lists it: %s', (text, familiar) => {
		expect(familiarImage(text)).toBe(familiar)
	})

	const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-)[a-z0-9]{1,8})?$/)
	const reference = fc
		.tuple(
			fc.option(fc.constantFrom('ghcr.io', 'localhost', 'localhost:5000', '10.0.0.1:80', 'docker.io', 'Upper')),
			fc.array(component, { minLength: 1, maxLength: 4 }),
			fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
			fc.option(fc.constant(digest)),
		)
		.map(
			([domain, path, tag, digest]) =>
				`${domain === null ? '' : `${domain}/`}${path.join('/')}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`,
		)

	it('has one familiar spelling for each image, which reads as the same image', () => {
		fc.assert(
			fc.property(reference, (text) => {
				const parsed = parseImageReference(text)
				expect(parsed).not.toBeNull()
				const familiar = familiarImage(text)
				expect(familiarImage(familiar)).toBe(familiar)
				expect(parseImageReference(familiar)).toEqual({
					...parsed,
					tag: parsed?.tag ?? (parsed?.digest === null ? 'latest' : null),
				})
			}),
		)
	})

	it('answers at once for any text (no pattern backtracks)', () => {
		fc.assert(
			fc.property(fc.constantFrom('a', 'a-', 'a.', '__', '-', 'a/', 'a:', '@'), fc.nat(600), (piece, times) => {
				const started = performance.now()
				parseImageReference(`${piece.repeat(times)}!`)
				expect(performance.now() - started).toBeLessThan(100)
			}),
		)
	})
})
