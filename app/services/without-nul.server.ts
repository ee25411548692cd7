import type { WatchFrame } from '../../agent/protocol/index.ts'

/** PostgreSQL keeps no NUL in text; the output of a container, and so an error that quotes it, may have one. */
export function withoutNul(frame: WatchFrame): WatchFrame {
	const text = JSON.stringify(frame)
	if (!text.includes('\\u0000')) return frame
	// An even number of backslashes before it: else it is the text "\\u0000", which is harmless.
	return JSON.parse(text.replaceAll(/(?<!\\)((?:\\\\)*)\\u0000/g, '$1\\ufffd'))
}
