const MASK = '••••••'

/** Values of env are the owner's: they often are secrets. */
export function maskedConfig(config: unknown): unknown {
	if (typeof config !== 'object' || config === null || !('env' in config)) return config
	const { env } = config
	if (typeof env !== 'object' || env === null) return config
	return { ...config, env: Object.fromEntries(Object.keys(env).map((name) => [name, MASK])) }
}
