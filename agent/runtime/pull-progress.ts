import type { PullProgress } from '../protocol/index.ts'

/** One line of the engine's answer to a pull. */
export interface PullMessage {
	status?: string
	id?: string
	progressDetail?: { current?: number; total?: number }
	error?: string
	errorDetail?: { code?: number; message?: string }
}

interface Layer {
	/** null until the engine names a size */
	total: number | null
	downloaded: number
	done: boolean
	/** present before: no bytes to load */
	cached: boolean
}

const LAYER_ID = /^[0-9a-f]{12}$/

/** Adds the layers up. Pure: messages in, a snapshot out. */
export class PullCounter {
	readonly #image: string
	readonly #layers = new Map<string, Layer>()
	#percent = 0

	constructor(image: string) {
		this.#image = image
	}

	add(message: PullMessage): void {
		const { id, status, progressDetail } = message
		// "Pulling from library/x" carries the tag as its id
		if (id === undefined || !LAYER_ID.test(id) || status === undefined) return
		const layer = this.#layers.get(id) ?? { total: null, downloaded: 0, done: false, cached: false }
		this.#layers.set(id, layer)
		switch (status) {
			case 'Downloading':
				if (progressDetail?.total !== undefined && progressDetail.total > 0) layer.total = progressDetail.total
				layer.downloaded = Math.max(layer.downloaded, progressDetail?.current ?? 0)
				break
			case 'Extracting':
				// small layers are loaded before their first progress line; extraction counts the same compressed bytes
				if (progressDetail?.total !== undefined && progressDetail.total > 0) layer.total ??= progressDetail.total
				layer.downloaded = layer.total ?? layer.downloaded
				break
			case 'Verifying Checksum':
			case 'Download complete':
				layer.downloaded = layer.total ?? layer.downloaded
				break
			case 'Pull complete':
				layer.downloaded = layer.total ?? layer.downloaded
				layer.done = true
				break
			case 'Already exists':
				layer.cached = true
				layer.done = true
				break
		}
	}

	/** 100 only when `finished`: the image is there. */
	snapshot(finished = false): PullProgress {
		const layers = [...this.#layers.values()]
		const sized = layers.filter((layer) => layer.total !== null)
		const totalBytes = sized.reduce((sum, layer) => sum + (layer.total ?? 0), 0)
		const currentBytes = layers.reduce((sum, layer) => sum + Math.min(layer.downloaded, layer.total ?? 0), 0)
		// Layers wait without a size; counting them as average ones keeps the bar from running ahead and back.
		const loading = layers.filter((layer) => !layer.cached).length
		const estimate = sized.length === 0 ? 0 : (totalBytes / sized.length) * loading
		const percent = finished ? 100 : estimate === 0 ? 0 : Math.min(99, Math.floor((100 * currentBytes) / estimate))
		this.#percent = Math.max(this.#percent, percent)
		return {
			image: this.#image,
			currentBytes,
			totalBytes,
			percent: this.#percent,
			layersDone: finished ? layers.length : layers.filter((layer) => layer.done).length,
			layers: layers.length,
		}
	}
}
