/** The person's endpoint, as far as secure delivery goes: how deliveries fare, complaints about them, and the rulings on those. */
import { join } from 'node:path';
import { z } from 'zod';
import { readMessage } from '../../crypto/signed-message.ts';
import { partNamed } from '../../delivery/counter/sale.ts';
import { refundReceiptType } from '../../delivery/message/refund.ts';
import { HandselError } from '../../handsel-error.ts';
import type { Client } from '../../transport/client.ts';
import type { Request, Routes } from '../../transport/route.ts';
import type { CaseStanding } from '../message/case-standing.ts';
import { type RefundEntry, refundEntry } from '../message/refund-entry.ts';
import { type Guarded, inJson, readRequest } from '../owner/control-request.ts';
import { caseStanding, rulingBundle } from './case-evidence.ts';
import { decodeCounterOrder } from './counter-order.ts';
import type { CustomerDeliveryRunning } from './customer-delivery.ts';
import { type DeliveryView, deliveryView } from './delivery-view.ts';

const complaintSchema = z.strictObject({
  part: z.number().int().min(0).max(15).default(0),
  statement: z.string().min(1, 'expected what is not as described').max(4000, 'expected at most 4000 characters'),
});

export interface CustomerRefund extends RefundEntry {
  readonly payment: string;
  readonly part: number;
}

export interface DeliveryDesk {
  list(): Promise<readonly DeliveryView[]>;
  /** @throws HandselError `DELIVERY_UNKNOWN` */
  show(payment: string): Promise<DeliveryView>;
  /** @throws DeliveryError `COMPLAINT_UNFIT` */
  complain(payment: string, part: number, statement: string): Promise<DeliveryView>;
  /** Where a complaint stands, as its arbiter says. @throws HandselError */
  standing(payment: string, part: number): Promise<CaseStanding>;
  /** What was paid back, the newest first. */
  refunds(): Promise<readonly CustomerRefund[]>;
  /** Everything a ruling rests on, as the arbiter gives it to anybody. @throws HandselError */
  bundle(payment: string, part: number): Promise<Uint8Array>;
}

export function deliveryDesk(
  delivery: CustomerDeliveryRunning,
  {
    client,
    directory,
    isOpen,
  }: {
    readonly client: Client;
    readonly directory: string;
    /** Whether the wallet may pay for it. */
    isOpen(payment: string): boolean;
  },
): DeliveryDesk {
  const show = async (payment: string): Promise<DeliveryView> => {
    const sale = await delivery.sale(payment);
    if (sale === undefined) throw new HandselError('DELIVERY_UNKNOWN', `there is no delivery ${payment}`);
    const { goods } = decodeCounterOrder(sale.order);
    const histories = await Promise.all(goods.map((_, part) => delivery.history(payment, part)));
    const fileOf = (part: number) => join(directory, payment, 'goods', goods[part]!.fileName);
    const view = deliveryView(sale, histories, { packages: delivery.packages, fileOf });
    const isUnpaid = sale.phase === 'preparing' || (sale.phase === 'paying' && sale.transaction === '');
    return isUnpaid && !isOpen(payment) ? { ...view, locked: true } : view;
  };
  return {
    list: () => Promise.all(delivery.open().map(show)),
    show,
    async complain(payment, part, statement) {
      await show(payment);
      await delivery.complain(payment, part, statement);
      return show(payment);
    },
    async standing(payment, part) {
      const of = (await show(payment)).parts[part]?.complaint?.case;
      if (of === undefined || delivery.arbiter === undefined) {
        throw new HandselError('CASE_UNKNOWN', 'nothing was complained of there');
      }
      return caseStanding(of, client, delivery.arbiter);
    },
    async refunds() {
      const records = await delivery.refunds();
      const paid = records.flatMap((record) => {
        if (record.type !== 'refunded') return [];
        const entry = refundEntry(readMessage(refundReceiptType, record.receipt).value);
        return [{ ...partNamed(record.reference), ...entry }];
      });
      return paid.reverse();
    },
    async bundle(payment, part) {
      const of = (await show(payment)).parts[part]?.complaint?.case;
      if (of === undefined || delivery.arbiter === undefined) {
        throw new HandselError('CASE_UNKNOWN', 'nothing was complained of there');
      }
      return rulingBundle(of, client, delivery.arbiter);
    },
  };
}

/** Without secure delivery every one of these routes says so. */
export function deliveryControl(desk: DeliveryDesk | undefined, guarded: Guarded): Routes {
  const running = (): DeliveryDesk => {
    if (desk !== undefined) return desk;
    throw new HandselError('DELIVERY_MISSING', 'this station has no secure delivery: its configuration has none');
  };
  const answering = (answer: (request: Request) => Promise<unknown>) =>
    guarded(async (request) => inJson(await answer(request)));
  const id = ({ params }: Request) => params.id!;
  return {
    'GET /refunds': answering(() => running().refunds()),
    'GET /deliveries': answering(() => running().list()),
    'GET /deliveries/:id': answering((request) => running().show(id(request))),
    'POST /deliveries/:id/complaint': answering((request) => {
      const { part, statement } = readRequest(request, complaintSchema);
      return running().complain(id(request), part, statement);
    }),
    'GET /deliveries/:id/case': answering((request) => {
      return running().standing(id(request), Number(request.query.get('part') ?? '0'));
    }),
    'GET /deliveries/:id/ruling': answering(async (request) => {
      const part = Number(request.query.get('part') ?? '0');
      return { bundle: Buffer.from(await running().bundle(id(request), part)).toString('base64') };
    }),
  };
}
