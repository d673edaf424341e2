import { readCommandLine } from '../kit/process/command-line.ts'
import { requireOptionalPackages } from '../kit/process/optional-packages.ts'
import { runProcess } from '../kit/process/run-process.ts'
import { help } from './settings.ts'

runProcess('users', async () => {
  readCommandLine({ usage: help, options: {} })
  requireOptionalPackages()
  const { startUsers } = await import('./start-users.ts')
  return startUsers(process.env)
})
