/** SEQUENCE OF and SET OF (X.690 sections 8.10, 8.12 and 11.6); a SET OF is sorted by its elements' octets. */
import { derError } from './der-error.ts';
import type { SizeBounds } from './der-primitive.ts';
import { type DerReader, readHeader } from './der-reader.ts';
import { type DerType, type TaggedType, tagged } from './der-type.ts';
import { type DerWriter, writeOctets, written } from './der-writer.ts';

/** How many elements a repetition may have unless its schema says otherwise. */
const MAX_ELEMENTS = 4096;

export function sequenceOf<T>(type: DerType<T>, bounds: SizeBounds = {}): TaggedType<readonly T[]> {
  return repetition({ tag: 0x30, type, sorted: false, bounds });
}

/** Encoding sorts; decoding refuses any other order and hands the elements out in it. */
export function setOf<T>(type: DerType<T>, bounds: SizeBounds = {}): TaggedType<readonly T[]> {
  return repetition({ tag: 0x31, type, sorted: true, bounds });
}

interface Repetition<T> {
  readonly tag: number;
  readonly type: DerType<T>;
  readonly sorted: boolean;
  readonly bounds: SizeBounds;
}

function repetition<T>({ tag, type, sorted, bounds }: Repetition<T>): TaggedType<readonly T[]> {
  const { min = 0, max = MAX_ELEMENTS } = bounds;
  return tagged<readonly T[]>({
    tag,
    read(reader, depth) {
      if (depth <= 0) throw derError('DER_TOO_DEEP', 'the encoding is nested too deeply');
      const end = reader.end;
      const values: T[] = [];
      let previous = -1;
      while (reader.position < end) {
        if (values.length >= max) throw derError('DER_TOO_MANY', 'a repetition has too many elements');
        readHeader(reader, end);
        if (!type.accepts(reader.tag)) throw derError('DER_TAG', 'a repetition holds an element of another type');
        const start = reader.start;
        values.push(type.read(reader, depth - 1));
        if (sorted && previous >= 0) refuseDisorder(reader, previous, start);
        previous = start;
      }
      if (values.length < min) throw derError('DER_VALUE', 'a repetition has too few elements');
      return values;
    },
    writeContent(writer, values) {
      if (!Array.isArray(values) || values.length < min || values.length > max) {
        throw derError('DER_UNENCODABLE', 'expected an array of a length within the bounds');
      }
      if (sorted) writeSorted(writer, type, values);
      else for (let i = values.length - 1; i >= 0; i--) type.write(writer, values[i]!);
    },
  });
}

/** No whole element is a proper prefix of another, so comparing octets is the padded comparison of X.690. */
function refuseDisorder(reader: DerReader, previous: number, start: number): void {
  const { bytes, position } = reader;
  if (Buffer.compare(bytes.subarray(previous, start), bytes.subarray(start, position)) > 0) {
    throw derError('DER_ORDER', 'the elements of a set are not sorted');
  }
}

/** What is given in order already, as most sets are, stays where it is written. */
function writeSorted<T>(writer: DerWriter, type: DerType<T>, values: readonly T[]): void {
  const before = written(writer);
  const ends: number[] = [];
  let sorted = true;
  for (let i = values.length - 1; i >= 0; i--) {
    ends.push(written(writer));
    type.write(writer, values[i]!);
    const count = ends.length;
    if (count > 1 && sorted) sorted = inOrder(writer, ends[count - 1]!, ends[count - 2]!);
  }
  if (!sorted) sortElements(writer, before, ends);
}

/** Whether the element that begins at the writer's position may stand before the next one. Both ends as `written` counts them. */
function inOrder({ bytes, position }: DerWriter, end: number, nextEnd: number): boolean {
  const size = bytes.length;
  return Buffer.compare(bytes.subarray(position, size - end), bytes.subarray(size - end, size - nextEnd)) <= 0;
}

function sortElements(writer: DerWriter, before: number, ends: readonly number[]): void {
  const { bytes, position } = writer;
  const size = bytes.length;
  const elements = ends.map((end, i) => bytes.slice(i + 1 < ends.length ? size - ends[i + 1]! : position, size - end));
  elements.sort(Buffer.compare);
  writer.position = size - before;
  for (let i = elements.length - 1; i >= 0; i--) writeOctets(writer, elements[i]!);
}
