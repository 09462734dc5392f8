/**
 * Times that a device says to others than its own operator are whole minutes: by how much its clock is wrong would be known again in the next
 * session, as would the very millisecond at which several deposits end together.
 */
const MINUTE_MS = 60_000;

/** Not later. */
export const minuteBefore = (atMs: number) => Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
/** Not earlier. */
export const minuteAfter = (atMs: number) => Math.ceil(atMs / MINUTE_MS) * MINUTE_MS;
