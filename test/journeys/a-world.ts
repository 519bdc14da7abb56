import fs from 'node:fs';
import { migrateAll } from '@waybill/cli';
import { traceJourney, type JourneyView } from '@waybill/journey';
import { ImapClient, type LabUser, World, type WorldOptions } from '@waybill/lab';
import { openPool } from '@waybill/postgres';
import { type Door, Sender, SendError } from '../ledger/sender.ts';

/** A whole mail world for one test file: alice@red.test, bob@blue.test, and the ways to speak to it. */
export class TestWorld {
  readonly world: World;
  readonly alice: LabUser;
  readonly bob: LabUser;
  readonly ca: string;

  private constructor(world: World, alice: LabUser, bob: LabUser) {
    this.world = world;
    this.alice = alice;
    this.bob = bob;
    this.ca = fs.readFileSync(world.caFile, 'utf8');
  }

  static async start(options: Partial<WorldOptions> = {}): Promise<TestWorld> {
    const world = await World.start({
      migrate: migrateAll,
      portBase: 0,
      redis: 'none',
      retrySchedule: '1,1,1,1',
      ...options,
    });
    await world.addDomain('red.test', 'mx');
    await world.addDomain('blue.test', 'mx');
    return new TestWorld(world, await world.addUser('alice@red.test'), await world.addUser('bob@blue.test'));
  }

  /** The door of msa, logged in. */
  submission(user: LabUser): Door {
    return {
      ports: [this.world.ports.msas],
      ca: this.ca,
      auth: { username: user.address, password: user.password },
    };
  }

  /** Port 25, as a stranger. */
  get mx(): Door {
    return { ports: this.world.replicasOf('mx').map((replica) => replica.ports['port'] ?? 0) };
  }

  /** Sends one message; the reply line of whatever refused it, or undefined when it was taken. */
  async send(door: Door, from: string, to: string, message: string): Promise<string | undefined> {
    const sender = new Sender(door, 0);
    try {
      await sender.send(from, to, message.replace(/\n$/, '').replaceAll('\n', '\r\n'));
      return undefined;
    } catch (error) {
      if (error instanceof SendError) return error.message;
      throw error;
    } finally {
      sender.close();
    }
  }

  /** The octets of the messages in a user's INBOX, oldest first; waits by IDLE until there are `atLeast`. */
  async inbox(user: LabUser, atLeast = 0): Promise<string[]> {
    const client = await ImapClient.connect({ port: this.world.ports.imaps, ca: this.ca });
    try {
      await client.login(user.address, user.password);
      const selected = await client.ok('SELECT INBOX');
      let exists = Number(
        /^\* (\d+) EXISTS/.exec(
          selected.untagged.find((one) => one.text.endsWith(' EXISTS'))?.text ?? '',
        )?.[1] ?? 0,
      );
      while (exists < atLeast) {
        await client.idle((response) => {
          const seen = /^\* (\d+) EXISTS/.exec(response.text)?.[1];
          if (seen !== undefined) exists = Number(seen);
          return seen !== undefined;
        });
      }
      if (exists === 0) return [];
      const fetched = await client.ok('FETCH 1:* (BODY.PEEK[])');
      return fetched.untagged.flatMap((response) =>
        response.literals.map((literal) => literal.toString('latin1')),
      );
    } finally {
      client.close();
    }
  }

  /** Polls the journey of a Message-ID until it satisfies, and gives it back. */
  async journey(messageId: string, until: (view: JourneyView) => boolean): Promise<JourneyView> {
    const pool = openPool(this.world.operatorEnv['WAYBILL_DATABASE_URL'] ?? '', { size: 1 });
    try {
      for (;;) {
        const [view] = await traceJourney(pool, messageId);
        if (view !== undefined && until(view)) return view;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      await pool.end();
    }
  }

  /** The tool, as a child of this process would run it. */
  get operatorEnv(): Readonly<Record<string, string>> {
    return this.world.operatorEnv;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }
}

/** A message with these header lines and this text. */
export function message(headers: Readonly<Record<string, string>>, text = 'Hello.'): string {
  return `${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')}\n${text}\n`;
}
