import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'

/** Returns a number of the command line, 1 or more. `what` names it when it is none. */
export function wholeNumber(text: string, what: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new StartFailure(`${what} is ${JSON.stringify(text)}: give a whole number of 1 or more`)
}

/** Returns a number of the command line above 0. `what` names it when it is none. */
export function positiveNumber(text: string, what: string): number {
  const number = Number(text)
  if (text.trim() !== '' && number > 0 && number < Infinity) return number
  throw new StartFailure(
    `${what} is ${JSON.stringify(text)}: give a number above 0, for instance 0.3`,
  )
}
