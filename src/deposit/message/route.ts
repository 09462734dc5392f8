/** Where messages are taken, below the base URL of a party: the one place that says it, for every role. */
import type { MessageType } from '../../crypto/signed-message.ts';

/** `/deposit/log-on` for the message `deposit-log-on`. */
export function pathOf(type: Pick<MessageType<unknown>, 'name'>): `/deposit/${string}` {
  return `/deposit/${type.name.replace(/^deposit-/, '')}`;
}

export function routeOf(url: string, type: Pick<MessageType<unknown>, 'name'>): string {
  return `${url}${pathOf(type)}`;
}
