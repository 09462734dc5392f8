/** What a door keeps of everybody it let in, to be compared with other doors. */
export interface Scan {
  readonly ticketId: string;
  /** Compact form. */
  readonly ticket: Uint8Array;
  /** As it was shown; absent where the ticket was presented in a session. */
  readonly code: Uint8Array | undefined;
  /** By this door. */
  readonly mark: Uint8Array;
  /** What was taken off; 0 for a ticket that is not used up. */
  readonly units: number;
  readonly atS: number;
}
