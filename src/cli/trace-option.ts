/** `--trace DIR`: the tracer that writes there. */
import { makeFolder } from '../party/files/make-folder.ts';
import { createTracer, type Tracer } from '../transport/trace.ts';

/** @throws MakeFolderError when there can be no such folder */
export function traceInto(directory: string): Tracer {
  makeFolder(directory);
  return createTracer({ directory });
}
