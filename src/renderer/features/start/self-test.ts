// The self-test as a screen follows it: each tick comes as its check ends.
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { type SelfTestCheck, type SelfTestCheckId, selfTestIds } from '#shared/contract/system.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'

export interface SelfTestLine {
  readonly id: SelfTestCheckId
  readonly state: 'waiting' | 'running' | 'good' | 'faulty'
  /** null until it has ended. */
  readonly check: SelfTestCheck | null
}

export function useSelfTest() {
  const checks = shallowRef<ReadonlyMap<SelfTestCheckId, SelfTestCheck>>(new Map())
  const isRunning = ref(false)
  /** Why the test itself could not be asked for. */
  const problem = shallowRef<Problem | null>(null)

  const lines = computed<readonly SelfTestLine[]>(() => {
    const next = isRunning.value ? selfTestIds.find((id) => !checks.value.has(id)) : undefined
    return selfTestIds.map((id) => {
      const check = checks.value.get(id) ?? null
      if (check === null) return { id, check, state: id === next ? 'running' : 'waiting' }
      return { id, check, state: check.problem === null ? 'good' : 'faulty' }
    })
  })
  const isDone = computed(() => !isRunning.value && checks.value.size === selfTestIds.length)
  const faults = computed(() => lines.value.filter(({ state }) => state === 'faulty').length)
  const seconds = computed(() => [...checks.value.values()].reduce((sum, check) => sum + check.seconds, 0))

  onScopeDispose(
    api.on('system.selfTestCheck', (check) => {
      if (isRunning.value) checks.value = new Map(checks.value).set(check.id, check)
    }),
  )

  async function run(): Promise<void> {
    if (isRunning.value) return
    checks.value = new Map()
    problem.value = null
    isRunning.value = true
    const reply = await api.call('system.selfTest', {})
    isRunning.value = false
    if (reply.ok) checks.value = new Map(reply.value.checks.map((check) => [check.id, check]))
    else problem.value = reply.problem
  }

  return { lines, isRunning, isDone, faults, seconds, problem, run }
}
