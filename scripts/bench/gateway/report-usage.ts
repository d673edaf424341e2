/** Preloaded into every contender: reports the CPU time and memory of the process to the benchmark. */
process.on('message', (message) => {
  if (message !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system, memory: process.memoryUsage().rss })
})
process.on('disconnect', () => process.exit(0))
