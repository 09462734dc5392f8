/** Reading and writing all of a span: the system may do less at a time. */
import type { FileHandle } from 'node:fs/promises';
import { DeliveryError } from '../message/delivery-error.ts';

/** @throws DeliveryError `PACKAGE_DAMAGED` when the file ends before */
export async function readWholly(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < target.length; ) {
    const { bytesRead } = await file.read(target, at, target.length - at, position + at);
    if (bytesRead === 0) throw new DeliveryError('PACKAGE_DAMAGED', 'the file is shorter than it should be');
    at += bytesRead;
  }
}

export async function writeWholly(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}
