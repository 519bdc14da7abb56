/** Why a call was not carried out: the public half. Its status says whose fault it was. */
export const REFUSALS = {
  invalid: 400,
  'not-permitted': 403,
  'not-found': 404,
  exists: 409,
  'in-use': 409,
  busy: 429,
  unavailable: 503,
} as const;
export type RefusalCode = keyof typeof REFUSALS;

export class Refused extends Error {
  readonly code: RefusalCode;
  readonly statusCode: number;
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refused';
    this.code = code;
    this.statusCode = REFUSALS[code];
  }
}
