import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import { INPUT_BYTES, STREAM_BYTE, type Told } from './wire.ts'

export interface OpenTerminal {
	focus(): void
	end(): void
}

interface Handlers {
	onTold(told: Told): void
	/** the connection is gone without a word of the program's end */
	onLost(): void
}

/** Loaded with its page: a real emulator, so that full-screen programs, colours and paste work as in any other. */
export function openTerminal(
	element: HTMLElement,
	at: { url: string; replica: number },
	handlers: Handlers,
): OpenTerminal {
	const screen = new Terminal({
		cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
		fontFamily: getComputedStyle(element).fontFamily,
		fontSize: 13,
		scrollback: 10_000,
		screenReaderMode: true,
		theme: themeOf(element),
	})
	const fit = new FitAddon()
	screen.loadAddon(fit)
	const withdraw = nonceForStyles()
	screen.open(element)
	fit.fit()

	const target = new URL(at.url, location.href)
	target.protocol = target.protocol.replace('http', 'ws')
	const socket = new WebSocket(target)
	socket.binaryType = 'arraybuffer'
	let over = false
	socket.onopen = () => {
		socket.send(JSON.stringify({ replica: at.replica, columns: screen.cols, rows: screen.rows }))
	}
	socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
		if (typeof data !== 'string') return screen.write(new Uint8Array(data, STREAM_BYTE))
		const told = JSON.parse(data) as Told
		if (told.type !== 'ready') over = true
		handlers.onTold(told)
	}
	socket.onclose = () => {
		if (!over) handlers.onLost()
		over = true
	}
	const send = (message: string | Uint8Array<ArrayBuffer>) => {
		if (socket.readyState === WebSocket.OPEN) socket.send(message)
	}
	const encoder = new TextEncoder()
	screen.onData((text) => {
		const bytes = encoder.encode(text)
		for (let from = 0; from < bytes.length; from += INPUT_BYTES) send(bytes.slice(from, from + INPUT_BYTES))
	})
	screen.onResize(({ cols, rows }) => send(JSON.stringify({ type: 'resize', columns: cols, rows })))
	const resize = new ResizeObserver(() => fit.fit())
	resize.observe(element)
	const repaint = () => {
		screen.options.theme = themeOf(element)
	}
	const theme = new MutationObserver(repaint)
	theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
	const scheme = matchMedia('(prefers-color-scheme: dark)')
	scheme.addEventListener('change', repaint)
	screen.focus()
	return {
		focus: () => screen.focus(),
		end() {
			over = true
			socket.close()
			resize.disconnect()
			theme.disconnect()
			scheme.removeEventListener('change', repaint)
			screen.dispose()
			withdraw()
		},
	}
}

function themeOf(element: HTMLElement) {
	const { color, backgroundColor } = getComputedStyle(element)
	return { foreground: color, background: backgroundColor, cursor: color, selectionBackground: '#8887' }
}

/**
 * xterm writes its measures into <style> elements, which the page's policy takes with its nonce only; xterm cannot be
 * told one. While a terminal is open, new <style> elements of this document get it.
 */
function nonceForStyles(): () => void {
	const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce
	const create = Document.prototype.createElement
	if (!nonce) return () => undefined
	document.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
		const element = create.call(this, name, options)
		if (element instanceof HTMLStyleElement) element.nonce = nonce
		return element
	} as typeof document.createElement
	return () => {
		// Only the own property goes: the prototype's comes back.
		Reflect.deleteProperty(document, 'createElement')
	}
}
