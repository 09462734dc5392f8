/** What one measurement says: `npm run -s bench -- --json` prints these, so the field names are read by other programs. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** What the value has to reach; null where it is told for information only. */
  readonly target: number | null;
  /** Whether the target is reached; null where there is none. */
  readonly met: boolean | null;
}
