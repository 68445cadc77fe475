/** The steps of an upgrade, in order. */
export type Step = 'compare' | 'fetch' | 'check' | 'stage' | 'ready';
