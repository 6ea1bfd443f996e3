// The channels between page and window program; apart from the contract because a sandboxed preload loads no packages.
export const bridgeChannel = 'tunewright:call'
/** Carries a batch: `{ event, payload }[]`. */
export const eventsChannel = 'tunewright:events'
