/**
 * TLS handshakes under way at a time. Each holds memory and the right to our CPU before anybody has proved anything,
 * so there is an end to them, however many connections may be open.
 */
export class Handshakes {
  readonly #most: number;
  #underWay = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get full(): boolean {
    return this.#underWay >= this.#most;
  }

  begin(): void {
    this.#underWay++;
  }

  end(): void {
    this.#underWay--;
  }
}
