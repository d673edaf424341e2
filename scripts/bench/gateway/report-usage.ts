/** Preloaded into every contender: tells the benchmark what the process has used. */
process.on('message', (message) => {
  if (message !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system, memory: process.memoryUsage().rss })
})
process.on('disconnect', () => process.exit(0))
