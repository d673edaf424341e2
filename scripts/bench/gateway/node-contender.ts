/**
 * Preloaded into every contender on Node: it collects the young generation when told to, and ends with the
 * benchmark. A complete collection would discard compiled code: requests after it cost twice as much.
 */
process.on('message', (message) => {
  if (message !== 'collect garbage') return
  ;(globalThis as { gc?: (options: object) => void }).gc?.({ type: 'minor' })
  process.send!('collected')
})
process.on('disconnect', () => process.exit(0))
