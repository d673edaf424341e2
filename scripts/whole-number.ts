import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'

/** Returns a number of the command line, 1 or more. `what` names it when it is none. */
export function wholeNumber(text: string, what: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new StartFailure(`${what} is ${JSON.stringify(text)}: give a whole number of 1 or more`)
}
