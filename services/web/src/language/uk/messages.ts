import type { Messages } from "../messages.ts";
import { findingMessages } from "./finding-messages.ts";
import { groupMessages } from "./group-messages.ts";
import { intakeMessages } from "./intake-messages.ts";
import { meterMessages } from "./meter-messages.ts";
import { monthMessages } from "./month-messages.ts";
import { pointMessages } from "./point-messages.ts";
import { whyMessages } from "./why-messages.ts";

const shellMessages = {
  "nav.label": "Головне",
  "nav.start": "Початок",
  "nav.months": "Місяці",
  "nav.intake": "Приймання",
  "nav.skip": "До змісту",
  "tool.language": "In English",
  "tool.theme": "Світла чи темна",
  "tool.signOut": "Ви увійшли як {name}. Вийти",
  "signIn.title": "Вхід",
  "signIn.about": "Ключем API, який дав вам оператор. Він лишається в цьому браузері на робочий день.",
  "signIn.key": "Ключ API",
  "signIn.submit": "Увійти",
  "signIn.unknown": "Цей ключ невідомий або вже не діє. Попросіть в оператора новий.",
  "notFound.title": "Такої сторінки немає",
  "notFound.about": "Можливо, в адресі помилка або сторінку перенесено.",
  "state.loading": "Завантаження",
  "problem.again": "Спробувати ще",
  "problem.internal": "Щось пішло не так",
  "problem.offline": "Meterbook не відповідає. Чи є мережа?",
  "problem.storage_unavailable": "Сховище зараз не відповідає",
  "problem.meter_unknown": "Такого лічильника немає",
  "problem.register_unknown": "У лічильника немає такого регістра",
  "problem.snapshot_unknown": "За цей місяць нічого не сформовано",
  "problem.period_open": "Місяць ще не закінчився",
  "problem.range_too_long": "Проміжок задовгий для такої роздільності",
  "problem.store_damaged": "Покази цього лічильника пошкоджено",
  "problem.record_damaged": "Облікові дані лічильника пошкоджено",
  "problem.key_missing": "Ви не увійшли",
  "problem.key_unknown": "Ви не увійшли",
  "problem.scope_missing": "Ваш ключ цього не дозволяє",
  "problem.yourKey": "Ключ {name} діє як: {scopes}. Попросіть в оператора ключ із ширшими правами.",
  "scope.billing": "білінг",
  "scope.analyst": "аналітик",
  "scope.operator": "оператор",
  "scope.intake": "приймання",
  "search.placeholder": "Знайти лічильник",
  "search.title": "Знайти лічильник або точку обліку",
  "search.hint": "Номер чи заводський номер: початок або щонайменше три останні знаки",
  "search.recent": "Нещодавно переглянуті",
  "search.none": "Ніщо не починається й не кінчається на «{text}»",
  "search.invalid": "Номер починається з літери або цифри",
  "search.count":
    "{count, plural, =0 {Нічого не знайдено} one {# лічильник} few {# лічильники} many {# лічильників} other {# лічильника}}",
  "search.found": "Знайдено: {count, number}",
  "search.close": "Закрити",
  "search.unregistered": "без облікових даних",
  "start.title": "Книга лічильників",
  "start.about": "Кожен показ, значення на кінець кожного місяця — і чому воно таке.",
  "start.months": "Місяці",
  "start.allMonths": "Усі місяці",
  "start.meters": "Деякі лічильники",
  "start.noMeters": "Ще жодного місяця не сформовано. Лічильник, що звітує, знайдеться за повним номером.",
  "start.calls": "Для програм: усі виклики API",
} as const;

export const messages: Messages = {
  ...shellMessages,
  ...meterMessages,
  ...monthMessages,
  ...whyMessages,
  ...intakeMessages,
  ...pointMessages,
  ...groupMessages,
  ...findingMessages,
};
