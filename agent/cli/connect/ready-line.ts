import type { Credentials } from '../../protocol/index.ts'

/** What a person types next, with the local port in it; null where there is nothing to say. */
export function readyLine(credentials: Credentials | null | undefined, port: number): string | null {
	const { username, password, database, accessKey, secretKey } = credentials ?? {}
	if (username && password && database) {
		return `psql 'postgresql://${username}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}'`
	}
	if (accessKey && secretKey) {
		return `AWS_ACCESS_KEY_ID=${accessKey} AWS_SECRET_ACCESS_KEY=${secretKey} aws --endpoint-url http://127.0.0.1:${port} s3 ls`
	}
	return null
}
