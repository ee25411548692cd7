/** For HEALTHCHECK: the slim image has no curl. */
const answered = await fetch(process.argv[2], { signal: AbortSignal.timeout(5000) }).catch(() => null)
process.exit(answered?.ok ? 0 : 1)
