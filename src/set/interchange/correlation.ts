/** Which answer belongs to which request: type, transmission time, trace number, acquirer, terminal and retrieval reference. */
import { answerMti } from '../message/card-message-codec.ts';
import type { Iso8583Message } from '../message/iso8583-message.ts';

const FIELDS = [7, 11, 32, 37, 41, 60];

export function correlationOfRequest({ mti, fields }: Iso8583Message): string {
  return correlation(answerMti(mti), fields);
}

export function correlationOfAnswer({ mti, fields }: Iso8583Message): string {
  return correlation(mti, fields);
}

function correlation(mti: string, fields: Iso8583Message['fields']): string {
  return [mti, ...FIELDS.map((field) => fields.get(field) ?? '')].join(':');
}
