import { readCommandLine } from '../kit/process/command-line.ts'
import { requireOptionalPackages } from '../kit/process/optional-packages.ts'
import { runProcess } from '../kit/process/run-process.ts'
import { help } from './settings.ts'

runProcess('auth', async () => {
  readCommandLine({ usage: help, options: {} })
  requireOptionalPackages()
  const { startAuth } = await import('./start-auth.ts')
  return startAuth(process.env)
})
