export const monthMessages = {
  "months.about": "Як стоїть кожен місяць: що є, що оцінено й коли він остаточний.",
  "months.none": "Місяців ще немає",
  "months.nothingYet": "Ще нічого не сформовано",
  "months.nothingYetAbout":
    "Попередні значення з’являються за годину після кінця місяця, остаточні — коли закриється вікно.",
  "months.complete": "придатних {share}",
  "state.open": "триває",
  "state.provisional": "попередній",
  "state.final": "остаточний",
  "countdown.open": "Скінчиться {in}: {at}",
  "countdown.provisional": "Остаточний {in}: {at}",
  "countdown.final": "Остаточний з {at}",
  "board.shares": "Якість місяця",
  "board.rows": "{count, plural, one {# рядок} few {# рядки} many {# рядків} other {# рядка}}",
  "board.rowsHead": "Рядків",
  "board.without": "Без споживання",
  "board.totals": "Контрольні суми",
  "board.valueSum": "Сума регістрів",
  "board.hash": "Хеш місяця:",
  "window.label": "Місяць скінчиться {boundary} і остаточний з {final}",
  "window.end": "Кінець місяця",
  "window.final": "Остаточний",
  "way.title": "Що заважає",
  "way.clear": "Нічого. Кожен регістр має виміряне значення.",
  "way.look": "Глянути",
  "way.all": "Усі, як CSV",
  "way.inFlight":
    "{count, plural, one {{shown} показ іде} few {{shown} покази йдуть} many {{shown} показів ідуть} other {{shown} показу йде}} до сховища",
  "way.pending":
    "{count, plural, one {{shown} лічильник чекає} few {{shown} лічильники чекають} many {{shown} лічильників чекають} other {{shown} лічильника чекає}} перерахунку: закриття зробить це одразу",
  "way.damaged":
    "{count, plural, one {{shown} лічильник має} few {{shown} лічильники мають} many {{shown} лічильників мають} other {{shown} лічильника має}} пошкоджений запис",
  "way.silent":
    "{count, plural, one {{shown} зареєстрований лічильник жодного разу не озвався} few {{shown} зареєстровані лічильники жодного разу не озвалися} other {{shown} зареєстрованих лічильників жодного разу не озвалися}}",
  "way.silent.help":
    "Жоден запис не каже, відколи їх установлено, тому місяця для них немає. Внесіть, коли кожен установлено, або зніміть його.",
  "way.notCounted": "Ще не відомо, скільки зареєстрованих лічильників жодного разу не озвалися. Їх рахують.",
  "way.missing":
    "{count, plural, one {{shown} регістр не має} few {{shown} регістри не мають} many {{shown} регістрів не мають} other {{shown} регістра не має}} значення",
  "way.missing.help":
    "Біля кінця місяця немає придатного показу. Пізній показ — від лічильника чи внесений рукою — дасть нову версію; за 0 нічого не береться.",
  "way.suspect":
    "{count, plural, one {{shown} регістр сумнівний} few {{shown} регістри сумнівні} many {{shown} регістрів сумнівні} other {{shown} регістра сумнівні}}",
  "way.suspect.help":
    "Регістр пішов назад, або покази розходяться. Внесіть заміну лічильника, якщо вона була, або перевірений показ.",
  "way.incomplete":
    "{count, plural, one {{shown} регістр неповний} few {{shown} регістри неповні} many {{shown} регістрів неповні} other {{shown} регістра неповні}}",
  "way.incomplete.help": "Бракує інтервалів або початкового значення. Що лічильник ще надішле, буде враховано саме.",
  "way.estimated":
    "{count, plural, one {{shown} регістр оцінено} few {{shown} регістри оцінено} many {{shown} регістрів оцінено} other {{shown} регістра оцінено}}",
  "way.estimated.help": "Кожен каже, яким методом і з яких показів. Виміряне значення замінить його новою версією.",
  "handOver.title": "Передано до розрахунків",
  "handOver.about": "Що використали розрахунки за їхніми словами (POST /v1/billing/acknowledgements).",
  "handOver.none": "Розрахунки ще не сказали, що вони використали за цей місяць.",
  "handOver.used": "Розраховано",
  "handOver.waiting": "Ще не розраховано",
  "handOver.toCorrect": "Треба виправити",
  "handOver.toCorrectAbout": "розраховано за давнішою версією, ніж остання",
  "handOver.invoices":
    "{invoices, plural, one {# рахунок} few {# рахунки} many {# рахунків} other {# рахунка}}, {lines, plural, one {# рядок} few {# рядки} many {# рядків} other {# рядка}}",
  "handOver.newest": "Останній: {at}",
  "close.title": "Закрити зараз",
  "close.about": "Перераховує те, що чекає, і формує одразу. Чому за календарем ще не час, лишається як є.",
  "close.button": "Закрити місяць",
  "close.operatorsOnly": "Для закриття потрібен ключ оператора.",
  "close.running": "Пройдено частин: {done} з {total}",
  "close.done":
    "{count, plural, one {{shown} лічильник має значення} few {{shown} лічильники мають значення} many {{shown} лічильників мають значення} other {{shown} лічильника має значення}}, з них раніше — {before}.",
  "close.heldBack":
    "{count, plural, one {{shown} лічильник} few {{shown} лічильники} many {{shown} лічильників} other {{shown} лічильника}} затримано через пошкодження.",
  "reading.boundary": "Кінець: {at} ({zone})",
  "reading.old": "Це попередня версія; тепер діє версія {revision}.",
  "reading.why": "Чому число таке",
  "reading.evidence": "Покази навколо кінця місяця",
  "reading.origin": "звідки",
  "reading.revisions": "Версії",
  "reading.revisionsAbout": "Сформоване не змінюється; точніші дані дають наступну версію.",
  "issued.closed": "вікно закрито",
  "issued.boundary": "місяць скінчився",
  "issued.changed": "надійшло те, що його змінює",
  "issued.changedAfterFinal": "щось надійшло після остаточного",
  "issued.void": "відкликано",
  "evidence.before": "останній показ до",
  "evidence.after": "перший показ після",
  "evidence.end": "кінець місяця",
  "evidence.exact": "кінець місяця, знято саме тоді",
} as const;
