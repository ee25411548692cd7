/** A secret that `makeSecrets` made; one that is missing means a damaged store, and nothing may start without it. */
export function requiredSecret(secrets: Record<string, string>, name: string): string {
	const secret = secrets[name]
	if (secret === undefined) throw new Error(`the workload's secrets lack ${name}`)
	return secret
}
