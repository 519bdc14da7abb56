/** The attackers as a process of their own: `attack.ts <port> <connections> one|many`. */
import { Attack } from './attackers.ts';

const [port, connections, from] = process.argv.slice(2);
const attack = new Attack(Number(port), (attacker) =>
  from === 'one'
    ? '127.7.7.7'
    : `127.${20 + (attacker % 50)}.${Math.floor(attacker / 50) % 250}.${1 + (attacker % 200)}`,
);
attack.start(Number(connections));
// Everyone has come once.
setTimeout(() => process.send?.('all here'), 2000);
process.on('message', () => process.send?.(attack.damage));
process.on('disconnect', () => process.exit());
