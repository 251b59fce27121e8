-- Things worth a look, which are never counted as breaches.
-- grain: one signal about one ticket
-- found_at: the instant it shows in; beside: the other ticket or the clause it shows against;
-- alike: how many make up the pattern
with

final as (select * from signal_row)

select * from final
