/** Preloaded into every contender on Node: it collects garbage when told to, and ends with the benchmark. */
process.on('message', (message) => {
  if (message !== 'collect garbage') return
  ;(globalThis as { gc?: () => void }).gc?.()
  process.send!('collected')
})
process.on('disconnect', () => process.exit(0))
