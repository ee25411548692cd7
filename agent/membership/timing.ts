/** Milliseconds of the local monotonic clock. Injectable: a test may be quicker, a lattice over satellites slower. */
export interface Timing {
	/** between two probes, each of the member that was silent for longest */
	probeInterval: number
	/** a direct probe without answer after this starts a confirmation */
	directTimeout: number
	/** from the start of a confirmation to the verdict */
	confirmWindow: number
	/** the same when another node's doubt started it: that node has waited already */
	hearsayWindow: number
	/** the same after a connection dropped: the kernel at the other end said something, so less patience is needed */
	lostWindow: number
	/** within a confirmation, between two attempts */
	retryInterval: number
	/** members asked to probe on our behalf, each attempt */
	helpers: number
	/** between two probes of members that are down: they may be back, or a cut may have healed */
	downInterval: number
	/** windows grow to this many round trips of a far member */
	directRoundTrips: number
	confirmRoundTrips: number
	/** a stall can make a round trip look endless; windows grow no further than for this */
	roundTripCap: number
	/** what was heard this recently outweighs what others say */
	fresh: number
	/** the first attempt of a confirmation has this long before anybody is called suspect: most doubts die here */
	attempt: number
	/** a doubt waits a random part of this before it is published, so that of many who see the same one speaks */
	publishJitter: number
	/** anti-entropy with one random member */
	syncInterval: number
	/** an unanswered or burst-saved sync is due again after this */
	syncRetry: number
	/** running later than this means that this process did not run: time that others are not judged by */
	stall: number
}

/**
 * The goals: a killed process is known to all within 1 s, a cut within 3 s, and an idle node sends at most 2 kB/s.
 * Two and a half probes a second cost about 1 kB/s over Noise and TCP and find a silent member after 0.2 s on average,
 * whatever the size of the lattice. The finder waits directTimeout and confirmWindow; the others hear of it after
 * `attempt` and wait hearsayWindow, which ends at the same time: a stall of less than 1.6 s is not taken for death.
 */
export const TIMING: Timing = {
	probeInterval: 400,
	directTimeout: 500,
	confirmWindow: 1_100,
	hearsayWindow: 850,
	lostWindow: 700,
	retryInterval: 250,
	helpers: 3,
	downInterval: 2_000,
	directRoundTrips: 3,
	confirmRoundTrips: 6,
	roundTripCap: 600,
	fresh: 250,
	attempt: 250,
	publishJitter: 40,
	syncInterval: 60_000,
	syncRetry: 2_000,
	stall: 200,
}
