// How many trials of searches the words of a search are found in, where the list leaves trials out: "nothing found" would
// not be so.
import { computed, ref, watch } from 'vue'
import { api } from '../../api.ts'
import { type ExperimentView, ofJournal, queryOf } from './experiment-view.ts'

/** `listed`: how many the list has; where that changes they are counted anew. */
export function useTrialsBeside(view: () => ExperimentView, listed: () => number | null) {
  const found = ref<{ readonly question: string; readonly trials: number } | null>(null)
  const question = computed(() => {
    const { text, filters, journal } = view()
    if (text.trim() === '' || filters.shown !== undefined) return null
    return JSON.stringify({ ...queryOf(view()), ...ofJournal(journal), limit: 1 })
  })
  watch(
    [question, listed],
    async ([asked]) => {
      if (asked === null) return
      const query = JSON.parse(asked)
      // Both are counted here: what is listed is, for a moment, still what was found by the words before.
      const [all, own] = await Promise.all([
        api.call('experiments.list', { ...query, hasTrials: true }),
        api.call('experiments.list', query),
      ])
      if (all.ok && own.ok && asked === question.value)
        found.value = { question: asked, trials: Math.max(0, all.value.total - own.value.total) }
    },
    { immediate: true },
  )
  return computed(() => (found.value?.question === question.value ? (found.value?.trials ?? 0) : 0))
}
