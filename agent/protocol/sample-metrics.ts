// Without zod: pages draw these, and would load all of it for a list of words.

/** Those of a sample that are measured over time; the rest says whose it is and how much there is. */
export const SAMPLE_METRICS = ['cpu', 'memoryBytes', 'diskBytes', 'rxRate', 'txRate', 'readRate', 'writeRate'] as const
export type SampleMetric = (typeof SAMPLE_METRICS)[number]
