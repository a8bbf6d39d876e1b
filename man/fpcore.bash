# Written by .ci/man from what the program says; run it after changing a help text.
_fpcore() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= options= i
    local -a verbs=(train check list describe model lr eval tune predict serve show export pack probe bench new analyze compare sweep data preview submit)
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ " ${verbs[*]} " == *" ${COMP_WORDS[i]} "* ]] && verb=${COMP_WORDS[i]} && break
    done
    case $before in
    -c | --with)
        COMPREPLY=($(compgen -W "$(fpcore -l recipes 2>/dev/null | sed -n 's/^  \([^ ]*\.ini\) .*/\1/p')" -- "$word")
            $(compgen -f -X '!*.ini' -- "$word") $(compgen -d -- "$word"))
        return ;;
    -l) COMPREPLY=($(compgen -W "recipes $(fpcore -l 2>/dev/null | grep '^[a-z]')" -- "$word")) && return ;;
    -h | describe | help)
        COMPREPLY=($(compgen -W "${verbs[*]} $(fpcore -l 2>/dev/null | awk '/^[a-z]/ { kind = $1 } /^  [a-z]/ { print kind "/" $1 }')" -- "$word"))
        return ;;
    -s)
        compopt -o nospace
        COMPREPLY=($(compgen -W "backend.bind= backend.isa= backend.precision= backend.real= backend.threads= dataset.batch= dataset.cache= dataset.cache_mb= dataset.classes= dataset.drop_last= dataset.fit= dataset.ignore_colour= dataset.ignore_label= dataset.image_suffix= dataset.images= dataset.map= dataset.mask_suffix= dataset.masks= dataset.orientation= dataset.parts= dataset.readers= dataset.root= dataset.sampler= dataset.seed= dataset.shuffle= dataset.sides= dataset.size= dataset.split_seed= dataset.test= dataset.test_images= dataset.test_list= dataset.test_masks= dataset.train= dataset.train_list= dataset.val= dataset.val_images= dataset.val_list= dataset.val_masks= dataset.val_split= model.aggregation= model.attention= model.bilinear= model.decoder= model.decoder_dim= model.depths= model.detail= model.dims= model.drop_path= model.dropout= model.expansion= model.half_dim= model.head= model.heads= model.init= model.kernel= model.levels= model.lmsa= model.max_params= model.mean= model.mix_ffn= model.mlp_ratio= model.refine_dim= model.semantic= model.sr_ratios= model.std= model.stem_dim= model.width= optimizer.beta1= optimizer.beta2= optimizer.dampening= optimizer.eps= optimizer.freeze= optimizer.freeze_stats= optimizer.lr= optimizer.lr_scale= optimizer.momentum= optimizer.nesterov= optimizer.no_decay= optimizer.sam= optimizer.weight_decay= run.accumulate= run.beat= run.clip_norm= run.ema= run.epochs= run.eval_precision= run.hours= run.init_from= run.init_optimizer= run.init_rename= run.init_skip= run.keep_best= run.metric= run.min_delta= run.min_epochs= run.name= run.out= run.patience= run.precision= run.rewrite= run.seed= run.smooth= run.smooth_best= run.swa_every= run.swa_start= run.validate_every= schedule.anneal= schedule.begin= schedule.cooldown= schedule.div_factor= schedule.end_factor= schedule.epochs= schedule.eps= schedule.eta_min= schedule.factor= schedule.final_div_factor= schedule.gamma= schedule.milestones= schedule.min_lr= schedule.mode= schedule.patience= schedule.pct_start= schedule.power= schedule.start_factor= schedule.step_size= schedule.t_0= schedule.t_max= schedule.t_mult= schedule.three_phase= schedule.threshold= schedule.threshold_mode= schedule.total= schedule.warmup_epochs= schedule.warmup_start=" -- "$word"))
        return ;;
    esac
    case $verb in
    train) options="--other-data --resume --until -c -s" ;;
    check) options="--check --no-data -c -s" ;;
    list) options="--plugin-path -l" ;;
    describe) options="--all --plugin-path -h" ;;
    model) options="--batch --groups --nodes --rewritten --size -c -s" ;;
    lr) options="--all --csv --png --recorded -c -s" ;;
    eval) options="--flip --native --no-exchange --overlap --part --post --scales --tiles --weights --write -c -s -w" ;;
    tune) options="--flip --folds --force --no-exchange --out --scales --seed --weights -c -o -s -w" ;;
    predict) options="--flip --force --no-exchange --out --overlap --overlay --post --probabilities --probs --recursive --scales --size --tiles --verbose --weights -c -o -r -s -v -w" ;;
    serve) options="--at-once --host --max-megapixels --max-mib --port --size --timeout --verbose -c -s -v" ;;
    show) options="--classes --json --recipe --tensors -c" ;;
    export) options="--batch --beside --c --calibrate --force --int8 --onnx --output --size --torch --weights -c -s -w" ;;
    pack) options="--force --out --size --weights -c -o -s -w" ;;
    probe) options="--backward --in --out --steps --train --weights -c -i -o -s -w" ;;
    bench) options="--against --batch --infer --jobs --ops --rates --rounds --size --steps --train -c -s" ;;
    new) options="" ;;
    analyze) options="--against --at --details --epochs --html --json --lr --mark --metric --stages --test -c -s" ;;
    compare) options="--baseline --by --json --metric" ;;
    sweep) options="--baseline --dry-run --folds --grid --halving --json --only --out --prune --random --random-seed --seeds --slurm --with -c -j -s" ;;
    data) options="--fix-sides --force --init --join-parts --json --keep-names --near -c -o -s" ;;
    preview) options="--epoch --number --out --weights -c -n -o -s -w" ;;
    submit) options="--flip --force --limit --no-exchange --out --post --scales --weights -c -o -s -w" ;;
    *) options="${verbs[*]} --other-data --resume --until -c -s --check -l -h -V" ;;
    esac
    COMPREPLY=($(compgen -W "$options -c -s --plugin-path --help" -- "$word"))
    [[ $verb && $word != -* ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _fpcore fpcore
