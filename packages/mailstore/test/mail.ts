import { randomUUID } from 'node:crypto';
import type { AccountRef, AppendItem, ChangeSignal, DeliverItem } from '../src/index.ts';

/** Mail and accounts for the tests of this package. */
export function account(id: number, quotaBytes = 0, quotaMessages = 0): AccountRef {
  return { accountId: String(id), quotaBytes, quotaMessages };
}

export function delivery(to: AccountRef, more: Partial<DeliverItem> = {}): DeliverItem {
  return {
    account: to,
    deliveryId: randomUUID(),
    prefix: Buffer.from('Return-Path: <writer@red.test>\r\n'),
    body: { inline: Buffer.from('Subject: hello\r\n\r\nDear reader\r\n') },
    summary: Buffer.from('a summary'),
    sentAt: new Date('2026-01-02T03:04:05Z'),
    target: 'inbox',
    ...more,
  };
}

export function appended(body: string, more: Partial<AppendItem> = {}): AppendItem {
  return {
    flags: 0,
    keywords: [],
    internalDate: null,
    body: Buffer.from(body),
    summary: Buffer.from('a summary'),
    sentAt: null,
    ...more,
  };
}

/** A signal that remembers what was said. */
export function listeningSignal(): ChangeSignal & { said: string[] } {
  const said: string[] = [];
  return {
    said,
    publish: (ids) => void said.push(...ids),
    subscribe: () => () => undefined,
    close: () => Promise.resolve(),
  };
}
