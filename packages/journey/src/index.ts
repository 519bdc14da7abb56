/** The journey: what agents see of a message, recorded best effort, and read back hop by hop. */
export type { Journey, JourneyEvent, Kind } from './event.ts';
export { NO_JOURNEY } from './none.ts';
export { type JourneyOptions, openJourney } from './recorder.ts';
export { renderJourney } from './render.ts';
export { journeySchema } from './schema.ts';
export { type Machine, NothingReachable } from './machines.ts';
export { readTranscripts, traceJourney, type TraceOptions } from './trace.ts';
export { type JourneyUpkeepOptions, maintainJourney } from './upkeep.ts';
export type { JourneyRecipient, JourneyStep, JourneyView, RecipientState, TranscriptView } from './view.ts';
