/** The one timer of a deposit: its end, then the deadline for records. */
const TIMER = 'deposit ';

export const timerId = (transaction: string) => `${TIMER}${transaction}`;
export const timerOf = (transaction: string, atMs: number) => ({ id: timerId(transaction), atMs });
export const transactionOfTimer = (id: string) => id.slice(TIMER.length);
