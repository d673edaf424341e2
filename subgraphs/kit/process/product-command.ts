/**
 * Returns a command of Portcullis as its user types it: `portcullis NAME WORDS` from the package, and
 * `npm run NAME -- WORDS` where npm runs it in a checkout (scripts/run-compiled.mjs says so).
 */
export function productCommand(name: string, words = ''): string {
  if (process.env.PORTCULLIS_RUN_BY !== 'npm') return `portcullis ${name} ${words}`.trimEnd()
  const run = name === 'start' ? 'npm start' : `npm run ${name}`
  return words === '' ? run : `${run} -- ${words}`
}
