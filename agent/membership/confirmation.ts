/** How a node finds out whether a member is there: by itself and through others at once, until an answer or the deadline. */
export interface Confirmation {
	startedAt: number
	/** no answer until then: down */
	deadline: number
	/** no answer until then: suspect; later than the start when little speaks against the member */
	suspectAt: number
	nextAttemptAt: number
	/** the other kernel refuses connections: no process listens there */
	refused: boolean
	/** probes carried by helpers, by id; true when the helper could not reach the member either */
	helpers: Map<number, boolean>
}

/** Both ways have spoken: nobody listens, and no helper has reached it. Waiting longer would tell nothing new. */
export function isHopeless(confirmation: Confirmation): boolean {
	if (!confirmation.refused) return false
	for (const failed of confirmation.helpers.values()) if (!failed) return false
	return true
}
